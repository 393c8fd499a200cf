// Keeps the client itself, so that it opens without a network; what people say is kept elsewhere.
declare const self: ServiceWorkerGlobalScope
declare const SHELL: readonly string[] // the hashed files, put in by the build
declare const VERSION: string

const cacheName = `kith-${VERSION}`
const shellDocument = '/index.html'

self.addEventListener('install', (e) => {
  e.waitUntil(
    caches
      .open(cacheName)
      .then((c) => c.addAll([shellDocument, ...SHELL]))
      .then(() => self.skipWaiting()),
  )
})

self.addEventListener('activate', (e) => {
  e.waitUntil(
    caches
      .keys()
      .then((keys) => Promise.all(keys.filter((k) => k.startsWith('kith-') && k !== cacheName).map((k) => caches.delete(k))))
      .then(() => self.clients.claim()),
  )
})

self.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url)
  if (e.request.method !== 'GET' || url.origin !== self.location.origin) return
  if (url.pathname.startsWith('/a/')) e.respondWith(caches.match(e.request).then((kept) => kept ?? fetch(e.request)))
  else if (e.request.mode === 'navigate' && !url.pathname.startsWith('/api/'))
    e.respondWith(fetch(e.request).catch(async () => (await caches.match(shellDocument)) ?? Response.error()))
})
export {}
