import { useState } from 'preact/hooks'
import type { Account, Join } from '@kith/client'
import { Dialog } from '@kith/ui'
import { t } from '../../lib/i18n'
import { attempt } from '../../lib/session'
import { go } from '../../router'
import { Choice, Field } from '../field'

// What kinds of groups begin with, in the words of whoever makes one.
const templates = ['friends', 'community', 'team', 'creator'] as const
type Template = (typeof templates)[number]

function beginning(of: Template): { join: Join; panels: string[] } {
  const chat = (name: string): string => `chat:${name}`
  const news = (name: string): string => `announcement:${name}`
  switch (of) {
    case 'friends':
      return { join: 'invite', panels: [chat(t('template.general'))] }
    case 'community':
      return { join: 'open', panels: [chat(t('template.general')), news(t('template.news')), chat(t('template.help')), chat(t('template.offTopic'))] }
    case 'team':
      return { join: 'invite', panels: [chat(t('template.general')), news(t('template.decisions')), chat(t('template.ideas'))] }
    case 'creator':
      return { join: 'open', panels: [news(t('template.news')), chat(t('template.talk'))] }
  }
}

export function NewGroup({ a, onClose }: { a: Account; onClose: () => void }) {
  const [name, setName] = useState('')
  const [template, setTemplate] = useState<Template>('friends')
  const [join, setJoin] = useState<Join>('invite')
  const make = (): Promise<boolean> =>
    attempt(async () => {
      const made = await a.call('group.new', { name: name.trim(), join, panels: beginning(template).panels })
      onClose() // first, so that the dialog gives the focus back before the composer takes it
      await a.loadGroups()
      go(`/g/${made.id}/${made.panel}`)
    })
  return (
    <Dialog title={t('new.groupTitle')} closeLabel={t('app.close')} onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void make()
        }}
      >
        <Field label={t('new.groupName')} value={name} onValue={setName} required maxLength={100} focus />
        <fieldset class="kinds">
          <legend>{t('new.template')}</legend>
          {templates.map((x) => (
            <label key={x}>
              <input
                type="radio"
                name="template"
                checked={template === x}
                onChange={() => {
                  setTemplate(x)
                  setJoin(beginning(x).join)
                }}
              />
              <span>
                {t(`template.${x}`)}
                <small>
                  {beginning(x)
                    .panels.map((p) => p.slice(p.indexOf(':') + 1))
                    .join(' · ')}
                </small>
              </span>
            </label>
          ))}
        </fieldset>
        <Choice
          label={t('new.join')}
          value={join}
          onValue={setJoin}
          options={[
            ['invite', t('join.invite')],
            ['open', t('join.open')],
            ['request', t('join.request')],
          ]}
        />
        <button type="submit" class="main">
          {t('new.create')}
        </button>
      </form>
    </Dialog>
  )
}
