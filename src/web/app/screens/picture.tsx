import type { ComponentChildren } from 'preact'
import { lazy, Suspense } from 'preact/compat'
import { useRef, useState } from 'preact/hooks'
import type { Account, Id } from '@kith/client'
import { Icon, toast } from '@kith/ui'
import { t } from '../lib/i18n'
import { attempt, node } from '../lib/session'

const CropDialog = lazy(() => import('./dialogs/crop'))

const kinds = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']
const sizes = { avatar: { w: 512, h: 512 }, banner: { w: 1600, h: 480 } } as const

// A picture of somebody or something: shown, chosen (or dropped here), cut to its shape, taken away.
export function Picture({ a, kind, has, may = true, onPick, children }: { a: Account; kind: 'avatar' | 'banner'; has: boolean; may?: boolean; onPick: (id: Id) => Promise<unknown>; children: ComponentChildren }) {
  const file = useRef<HTMLInputElement>(null)
  const [at, setAt] = useState<ImageBitmap | undefined>(undefined)
  const [over, setOver] = useState(false)
  const take = async (f: File | undefined): Promise<void> => {
    if (f === undefined) return
    try {
      if (!kinds.includes(f.type)) throw new Error('not a picture')
      setAt(await createImageBitmap(f, { imageOrientation: 'from-image' }))
    } catch {
      toast(t('picture.bad'), true)
    }
  }
  const able = may && node.value?.pictures === true
  return (
    <div
      class={`picture for-${kind}${over ? ' over' : ''}`}
      {...(able && {
        onDragOver: (e: DragEvent) => {
          e.preventDefault()
          setOver(true)
        },
        onDragLeave: () => setOver(false),
        onDrop: (e: DragEvent) => {
          e.preventDefault()
          setOver(false)
          void take(e.dataTransfer?.files[0])
        },
      })}
    >
      {children}
      {able ? (
        <div class="buttons">
          <button type="button" onClick={() => file.current?.click()}>
            <Icon name="camera" size={18} />
            {t(`picture.choose.${kind}`)}
          </button>
          {has && (
            <button type="button" onClick={() => void attempt(() => onPick(''))}>
              {t(`picture.remove.${kind}`)}
            </button>
          )}
          <input
            ref={file}
            type="file"
            hidden
            accept={kinds.join()}
            aria-label={t(`picture.choose.${kind}`)}
            onChange={(e) => {
              void take(e.currentTarget.files?.[0])
              e.currentTarget.value = ''
            }}
          />
        </div>
      ) : (
        may && <p class="soft small">{t('picture.none')}</p>
      )}
      {at !== undefined && (
        <Suspense fallback={null}>
          <CropDialog
            picture={at}
            to={sizes[kind]}
            round={kind === 'avatar'}
            onClose={() => setAt(undefined)}
            onDone={(b) =>
              attempt(async () => {
                await onPick((await a.bring(kind, b)).id)
                setAt(undefined)
              })
            }
          />
        </Suspense>
      )}
    </div>
  )
}
