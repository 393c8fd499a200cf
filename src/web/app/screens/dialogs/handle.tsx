import type { Account } from '@kith/client'
import { Dialog, toast } from '@kith/ui'
import { Qr } from '@kith/ui/qr'
import { t } from '../../lib/i18n'
import { node } from '../../lib/session'

// One's handle to be scanned: the code leads to this server's page for adding a friend, with the handle in its place.
export default function HandleDialog({ a, onClose }: { a: Account; onClose: () => void }) {
  const whole = `${a.me.value.handle}@${node.value?.name ?? ''}`
  return (
    <Dialog title={t('home.handle')} closeLabel={t('app.close')} onClose={onClose}>
      <div class="qr-frame">
        <Qr text={`${location.origin}/friends?add=${encodeURIComponent(whole)}`} label={t('handle.qr', { handle: whole })} />
      </div>
      <p class="handle">{whole}</p>
      <p class="soft">{t('handle.hint')}</p>
      <div class="buttons">
        <button type="button" class="main" onClick={() => void navigator.clipboard.writeText(whole).then(() => toast(t('app.copied')))}>
          {t('app.copy')}
        </button>
      </div>
    </Dialog>
  )
}
