import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Account, Id, Proof, Proven } from '@kith/client'
import { Crest, Dialog, Icon, toast } from '@kith/ui'
import { nameOf, whenOf } from '../../lib/format'
import { useAsked } from '../../lib/hooks'
import { t } from '../../lib/i18n'
import { Bones } from '../sidebar'

// What a message rests on, step by step, as one's own server has just checked it.
export default function ProofDialog({ a, group, id, onClose }: { a: Account; group: Id; id: Id; onClose: () => void }) {
  const [failed, setFailed] = useState(false)
  const { value } = useAsked(() => a.call('message.proof', { group, id }).catch(() => void setFailed(true)), [group, id])
  return (
    <Dialog title={t('proof.title')} closeLabel={t('app.close')} onClose={onClose} wide>
      {failed ? <p class="soft">{t('error.notFound')}</p> : value === undefined ? <Bones /> : <Steps p={value} />}
    </Dialog>
  )
}

function Steps({ p }: { p: Proof }) {
  const all = [p.body, p.author.state, p.chain.state, p.root.state]
  const whole = all.every((s) => s === 'good' || s === 'none')
  return (
    <div class="proof">
      <p class={whole ? 'good' : 'wrong'} role="status">
        <Icon name={whole ? 'shield-check' : 'circle-alert'} size={20} />
        {t(whole ? 'proof.whole' : all.includes('bad') ? 'proof.bad' : 'proof.part')}
      </p>
      <ol>
        <Step state={p.body} title={t('proof.body')} id={p.record.id}>
          {t('proof.bodyHint', { when: whenOf(p.record.clock) })}
        </Step>
        <Step state={p.author.state} title={t(p.author.state === 'none' ? 'proof.spoken' : 'proof.author', { name: nameOf(p.author.handle), server: p.node.name })} id={p.author.key}>
          {t(p.author.state === 'none' ? 'proof.spokenHint' : 'proof.authorHint', { name: p.author.handle })}
        </Step>
        <Step state={p.chain.state} title={t('proof.chain', { server: p.node.name })} id={p.chain.tip} crest={p.node.id}>
          {p.chain.n === 0 ? t('proof.chainSelf', { seq: p.record.seq }) : t('proof.chainHint', { n: p.chain.n, seq: p.record.seq, tip: p.chain.seq })}
        </Step>
        <Step state={p.root.state} title={t('proof.root')} id={p.root.id}>
          {t('proof.rootHint', { n: p.root.n })}
        </Step>
      </ol>
      <p class="soft small">{t('proof.who')}</p>
    </div>
  )
}

function Step({ state, title, id, crest, children }: { state: Proven; title: string; id: string; crest?: Id; children: ComponentChildren }) {
  const good = state === 'good' || state === 'none'
  return (
    <li class={state}>
      <Icon name={good ? 'check' : state === 'bad' ? 'x' : 'clock'} size={18} />
      <div>
        <h3>
          {crest !== undefined && <Crest node={crest} size={18} />} {title}
        </h3>
        <p class="soft small">
          {!good && `${t(`proof.${state}`)} `}
          {children}
        </p>
        {id !== '' && (
          <button type="button" class="plain id" title={t('app.copy')} onClick={() => void navigator.clipboard.writeText(id).then(() => toast(t('app.copied')))}>
            <code>{id}</code>
          </button>
        )}
      </div>
    </li>
  )
}
