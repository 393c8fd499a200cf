import { useEffect, useState } from 'preact/hooks'
import { type Account } from '@kith/client'
import { tame } from '@kith/markdown'
import { Icon } from '@kith/ui'
import { said } from '../lib/error'
import { t } from '../lib/i18n'
import { fromAddress, invitation, keepInvitation } from '../lib/invitation'
import { go } from '../router'
import { Lines } from './field'
import { pathOf } from './place'

// Signed in and with an invitation: it is used at once, unless it leads to where one is asked something first.
export function Invited({ a }: { a: Account }) {
  const [link] = useState(fromAddress() ?? invitation.value)
  const [wrong, setWrong] = useState('')
  const [asked, setAsked] = useState(false)
  const [group, setGroup] = useState('')
  const [questions, setQuestions] = useState<readonly string[]>([])
  const failed = (e: unknown): void => {
    keepInvitation(undefined)
    setWrong(said(e))
  }
  const join = async (answers?: readonly string[]): Promise<void> => {
    const joined = await a.call('group.join', { link: link ?? '', ...(answers !== undefined && { answers }) })
    keepInvitation(undefined)
    setQuestions([])
    if (joined.state === 'requested') {
      setAsked(true)
      return
    }
    await a.loadGroups()
    const g = a.group(joined.group)
    go(g !== undefined ? pathOf(g, (g.panels.find((p) => p.id === joined.panel) ?? g.panels.find((p) => p.kind !== 'folder'))?.id) : '/home', true)
  }
  useEffect(() => {
    if (link === undefined) {
      go('/', true)
      return
    }
    const begin = async (): Promise<void> => {
      const p = await a.call('invite.preview', { link }).catch(() => undefined)
      if (p?.join !== 'request' || p.state !== 'ok' || p.questions.length === 0) return join()
      setGroup(p.name)
      setQuestions(p.questions)
    }
    begin().catch(failed)
  }, [])
  return (
    <main class="entry">
      <div class="card">
        {questions.length > 0 ? (
          <Questions group={group} questions={questions} onAnswer={(answers) => void join(answers).catch(failed)} />
        ) : wrong !== '' ? (
          <p class="wrong" role="alert">
            <Icon name="circle-alert" size={18} />
            {wrong}
          </p>
        ) : (
          <p role="status">{asked ? t('invite.asked') : t('app.loading')}</p>
        )}
        {(wrong !== '' || asked) && <a href="/home">{t('error.home')}</a>}
      </div>
    </main>
  )
}

function Questions({ group, questions, onAnswer }: { group: string; questions: readonly string[]; onAnswer: (answers: readonly string[]) => void }) {
  const [answers, setAnswers] = useState<readonly string[]>(questions.map(() => ''))
  return (
    <>
      <h1>{tame(group)}</h1>
      <p class="soft">{t('invite.questions')}</p>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          onAnswer(answers)
        }}
      >
        {questions.map((q, i) => (
          <Lines key={i} label={tame(q)} value={answers[i] ?? ''} onValue={(v) => setAnswers((was) => was.map((x, k) => (k === i ? v : x)))} maxLength={300} />
        ))}
        <button type="submit" class="main">
          {t('invite.ask')}
        </button>
      </form>
    </>
  )
}
