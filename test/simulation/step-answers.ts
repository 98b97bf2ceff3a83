import { LONGEST_LAG_SECONDS } from './faults.ts'
import { afterDone, isDone, ready, run, trade } from './runs.ts'
import type { Episode } from './state.ts'

/** Answers that do not know of the last minutes yet: the overlap makes up for them, whatever was asked. */
export async function staleAnswers(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices, listedBehind } = episode
  const operation = choices.pick(['cdc', 'cdc', 'query', undefined] as const)
  const lagSeconds = choices.whole(5, LONGEST_LAG_SECONDS)
  await editTwice(episode, realmId, lagSeconds)
  await ready(episode, realmId, operation === 'cdc' ? 'incremental' : 'full')
  const id = mirror.sandbox.faults.add({
    kind: 'staleRead',
    realmId,
    lagSeconds,
    ...(operation && { operation }),
  })
  if (operation !== 'cdc') listedBehind.add(realmId)
  await run(episode, realmId)
  mirror.sandbox.faults.remove(id)
  await ready(episode, realmId)
  if (isDone(await run(episode, realmId))) await afterDone(episode, realmId)
}

/** The mirror knows the newer of two states when it is shown the older one. */
async function editTwice(episode: Episode, realmId: string, lagSeconds: number): Promise<void> {
  const { mirror, choices, lastBusinessAt } = episode
  const books = mirror.sandbox.books(realmId)
  const [invoice] = books.records('Invoice')
  if (!invoice || choices.chance(0.4)) return
  books.editInvoice(invoice.Id, { privateNote: `older ${choices.whole(1, 999)}` })
  mirror.clock.move({ seconds: choices.whole(1, lagSeconds + 30) })
  books.editInvoice(invoice.Id, { privateNote: `newer ${choices.whole(1, 999)}` })
  if (choices.chance(0.7)) trade(episode, realmId, '')
  lastBusinessAt.set(realmId, mirror.clock.now())
  await ready(episode, realmId)
  if (isDone(await run(episode, realmId))) await afterDone(episode, realmId)
}

/** Answers of one run are given again to the next one, after newer ones: word for word, with the time they had. */
export async function laterAnswers(episode: Episode, realmId: string): Promise<void> {
  const { world, mirror, choices, listedBehind } = episode
  const mode = choices.pick(['incremental', 'full'] as const)
  const given = new Map<string, unknown>()
  world.disturb({
    async answer(of, question, ask) {
      const result = await ask()
      if (of === realmId) given.set(kindOf(question), result)
      return result
    },
  })
  await ready(episode, realmId, mode)
  await run(episode, realmId)
  world.undisturb()
  trade(episode, realmId, '')
  // An answer as old as the overlap is nothing that a run has to expect.
  mirror.clock.move({ seconds: choices.whole(1, LONGEST_LAG_SECONDS) })
  await ready(episode, realmId)
  if (choices.chance(0.5)) await run(episode, realmId)
  await ready(episode, realmId, mode)
  let isFirst = true
  world.disturb({
    async answer(of, question, ask) {
      const former = given.get(kindOf(question))
      const isFormer = of === realmId && former !== undefined && !choices.chance(0.3)
      // By the first answer a run tells which ones are from before it.
      if (isFirst && isFormer) listedBehind.add(realmId)
      if (of === realmId) isFirst = false
      if (!isFormer) return ask()
      return former as Awaited<ReturnType<typeof ask>>
    },
  })
  await run(episode, realmId)
  world.undisturb()
  await ready(episode, realmId)
  if (isDone(await run(episode, realmId))) await afterDone(episode, realmId)
}

/** Change data capture is asked from another moment each time: what matters is for what. */
function kindOf(question: string): string {
  return question.startsWith('changes') ? 'changes' : question
}
