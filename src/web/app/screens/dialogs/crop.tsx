import { useEffect, useRef, useState } from 'preact/hooks'
import { Dialog, Icon } from '@kith/ui'
import { type Crop, type Frame, held, scaleOf, turned, whole, ZOOM_MAX, zoomed } from '../../lib/crop'
import { t } from '../../lib/i18n'

const STEP = 12

function draw(canvas: HTMLCanvasElement, picture: ImageBitmap, frame: Frame, c: Crop): void {
  const g = canvas.getContext('2d')
  if (g === null) return
  const k = canvas.width / frame.w
  const s = scaleOf({ w: picture.width, h: picture.height }, frame, c)
  g.setTransform(1, 0, 0, 1, 0, 0)
  g.clearRect(0, 0, canvas.width, canvas.height)
  g.imageSmoothingQuality = 'high'
  g.scale(k, k)
  g.translate(frame.w / 2 + c.x, frame.h / 2 + c.y)
  g.rotate((c.turns * Math.PI) / 2)
  g.scale(s, s)
  g.drawImage(picture, -picture.width / 2, -picture.height / 2)
}

// Which part of a picture: moved, made larger and turned by mouse, touch and keys.
export default function CropDialog({ picture, to, round, onDone, onClose }: { picture: ImageBitmap; to: Frame; round: boolean; onDone: (b: Blob) => Promise<unknown>; onClose: () => void }) {
  const frame: Frame = round ? { w: 320, h: 320 } : { w: 360, h: Math.round((360 * to.h) / to.w) }
  const size: Frame = { w: picture.width, h: picture.height }
  const ref = useRef<HTMLCanvasElement>(null)
  const [crop, set] = useState<Crop>(whole)
  const [busy, setBusy] = useState(false)
  const pointers = useRef(new Map<number, { x: number; y: number }>())
  const change = (f: (c: Crop) => Crop): void => set((c) => held(size, frame, f(c)))
  useEffect(() => ref.current?.focus(), [])
  useEffect(() => {
    if (ref.current !== null) draw(ref.current, picture, frame, crop)
  }, [crop])

  // from where it was to where it is, in the frame's lengths
  const moved = (e: PointerEvent): void => {
    const box = ref.current?.getBoundingClientRect()
    const was = pointers.current.get(e.pointerId)
    if (box === undefined || was === undefined) return
    const k = frame.w / box.width
    const other = [...pointers.current.entries()].find(([id]) => id !== e.pointerId)?.[1]
    pointers.current.set(e.pointerId, { x: e.clientX, y: e.clientY })
    if (other === undefined) return change((c) => ({ ...c, x: c.x + (e.clientX - was.x) * k, y: c.y + (e.clientY - was.y) * k }))
    const [before, after] = [Math.hypot(was.x - other.x, was.y - other.y), Math.hypot(e.clientX - other.x, e.clientY - other.y)]
    const mid = { x: ((e.clientX + other.x) / 2 - box.left) * k - frame.w / 2, y: ((e.clientY + other.y) / 2 - box.top) * k - frame.h / 2 }
    if (before > 0) change((c) => zoomed(c, (c.zoom * after) / before, mid.x, mid.y))
  }
  const keys = (e: KeyboardEvent): void => {
    const by: Record<string, (c: Crop) => Crop> = {
      ArrowLeft: (c) => ({ ...c, x: c.x + STEP }),
      ArrowRight: (c) => ({ ...c, x: c.x - STEP }),
      ArrowUp: (c) => ({ ...c, y: c.y + STEP }),
      ArrowDown: (c) => ({ ...c, y: c.y - STEP }),
      '+': (c) => zoomed(c, c.zoom * 1.1),
      '=': (c) => zoomed(c, c.zoom * 1.1),
      '-': (c) => zoomed(c, c.zoom / 1.1),
      r: turned,
    }
    const f = by[e.key]
    if (f === undefined || e.ctrlKey || e.metaKey || e.altKey) return
    e.preventDefault()
    change(f)
  }
  const done = async (): Promise<void> => {
    const out = document.createElement('canvas')
    out.width = to.w
    out.height = to.h
    draw(out, picture, frame, crop)
    setBusy(true)
    const blob = await new Promise<Blob | null>((f) => out.toBlob(f, 'image/webp', 0.92))
    if (blob !== null) await onDone(blob)
    setBusy(false)
  }
  const [cw, ch] = [frame.w * 2, frame.h * 2]
  return (
    <Dialog title={t('picture.crop')} closeLabel={t('app.close')} onClose={onClose}>
      <form
        class="crop"
        onSubmit={(e) => {
          e.preventDefault()
          void done()
        }}
      >
        <div class={`stage${round ? ' round' : ''}`}>
          <canvas
            ref={ref}
            width={cw}
            height={ch}
            tabIndex={0}
            role="img"
            aria-label={t('picture.stage')}
            aria-describedby="crop-hint"
            onKeyDown={keys}
            onPointerDown={(e) => {
              e.currentTarget.setPointerCapture(e.pointerId)
              pointers.current.set(e.pointerId, { x: e.clientX, y: e.clientY })
            }}
            onPointerMove={moved}
            onPointerUp={(e) => void pointers.current.delete(e.pointerId)}
            onPointerCancel={(e) => void pointers.current.delete(e.pointerId)}
            onWheel={(e) => {
              e.preventDefault()
              const box = e.currentTarget.getBoundingClientRect()
              const k = frame.w / box.width
              change((c) => zoomed(c, c.zoom * Math.exp(-e.deltaY / 500), (e.clientX - box.left) * k - frame.w / 2, (e.clientY - box.top) * k - frame.h / 2))
            }}
          />
        </div>
        <div class="line">
          <label htmlFor="crop-zoom">{t('picture.zoom')}</label>
          <input id="crop-zoom" type="range" min={1} max={ZOOM_MAX} step={0.05} value={crop.zoom} onInput={(e) => change((c) => zoomed(c, Number(e.currentTarget.value)))} />
          <button type="button" class="plain" aria-label={t('picture.turn')} title={t('picture.turn')} onClick={() => change(turned)}>
            <Icon name="rotate-cw" size={18} />
          </button>
        </div>
        <p id="crop-hint" class="soft small">
          {t('picture.keys')}
        </p>
        <div class="actions">
          <button type="button" onClick={onClose}>
            {t('app.cancel')}
          </button>
          <button type="submit" class="main" disabled={busy}>
            {t('picture.take')}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
