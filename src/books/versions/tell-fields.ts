import { isJsonArray, isJsonObject, type Json } from '../../domain/parse-json.ts'
import { changeWords } from './change-words.ts'
import { FIELD_WORDS, type FieldWords } from './field-words.ts'
import { textWords } from './plain-words.ts'
import { leafText, referenceText, take, valueAt, type Telling } from './telling.ts'

/** Differences that the table of fields has words for, in its order. */
export function tellFields(telling: Telling, code: string | null): string[] {
  return FIELD_WORDS.flatMap((field) => tellField(telling, field, code))
}

/** The party of a bill or an invoice, and the parent of a customer or an account. */
export function tellParties(telling: Telling): string[] {
  return [tellParty(telling, 'vendor'), tellParty(telling, 'customer'), tellParent(telling)].filter(
    (told) => told !== null,
  )
}

/** The company's custom fields, by the names it gave them. */
export function tellCustomFields(telling: Telling): string[] {
  const at = ['details', 'CustomField']
  const differences = take(telling, at)
  if (differences.length === 0) return []
  const [before, after] = [
    customFields(valueAt(telling.before, at)),
    customFields(valueAt(telling.after, at)),
  ]
  const names = new Set([...before.keys(), ...after.keys()])
  const told = [...names]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) =>
      changeWords(
        { words: `custom field “${textWords(name)}”`, kind: 'name' },
        before.get(name),
        after.get(name),
        null,
      ),
    )
  return told.length > 0 ? told : ['the custom fields changed']
}

/** Fields that follow from others, for when there is nothing else to say. */
export function tellDerived(telling: Telling, code: string | null): string[] {
  return DERIVED.flatMap((field) => tellField(telling, field, code))
}

/** Takes differences that add nothing to the words already found. */
export function dropDerived(telling: Telling): void {
  for (const { at } of DERIVED) take(telling, at)
}

const DERIVED: readonly FieldWords[] = [
  { at: ['currentBalanceWithSubAccounts'], words: 'balance with sub-accounts', kind: 'amount' },
  { at: ['homeTotalAmount'], words: 'amount in home currency', kind: 'number' },
  { at: ['homeBalance'], words: 'open amount in home currency', kind: 'number' },
  { at: ['fullyQualifiedName'], words: 'full name', kind: 'name' },
  { at: ['status'], words: 'status', kind: 'name' },
  { at: ['details', 'HomeTotalAmt'], words: 'amount in home currency', kind: 'number' },
  { at: ['details', 'HomeBalance'], words: 'open amount in home currency', kind: 'number' },
  { at: ['details', 'Level'], words: 'level', kind: 'number' },
]

/** A field that came or went with the object it is in has changed too. */
function tellField(telling: Telling, { at, words, kind }: FieldWords, code: string | null): string[] {
  const touched = [...telling.left].some(({ steps }) =>
    at.every((step, index) => index >= steps.length || steps[index] === step),
  )
  if (!touched) return []
  const [before, after] = [valueAt(telling.before, at), valueAt(telling.after, at)]
  if (before === undefined && after === undefined) return []
  // The rest of the same object is covered by these words.
  take(telling, at.slice(0, 2))
  return [changeWords({ words, kind }, before, after, code)]
}

function tellParty(telling: Telling, role: 'vendor' | 'customer'): string | null {
  if (take(telling, [role]).length === 0) return null
  const side = (tree: Json) => partyText(valueAt(tree, [role]))
  const [before, after] = [side(telling.before), side(telling.after)]
  return changeWords({ words: role, kind: 'name' }, before, after, null)
}

function tellParent(telling: Telling): string | null {
  if (take(telling, ['parentId']).length === 0) return null
  for (const field of ['SubAccount', 'Job', 'Level']) take(telling, ['details', field])
  take(telling, ['fullyQualifiedName'])
  const parent = (tree: Json) => referenceText(valueAt(tree, ['details', 'ParentRef']))
  const [before, after] = [parent(telling.before), parent(telling.after)]
  if (after === null) return `no longer under ${textWords(before ?? '')}`
  return before === null
    ? `put under ${textWords(after)}`
    : `moved from under ${textWords(before)} to under ${textWords(after)}`
}

function partyText(party: Json | undefined): string | null {
  if (!isJsonObject(party)) return null
  return leafText(party['name']) ?? leafText(party['id'])
}

function customFields(list: Json | undefined): Map<string, string> {
  const elements = isJsonArray(list) ? list.filter(isJsonObject) : []
  return new Map(
    elements.flatMap((element): [string, string][] => {
      const name = leafText(element['Name']) ?? leafText(element['DefinitionId']) ?? ''
      const value = Object.entries(element).find(([key]) => key.endsWith('Value'))?.[1]
      const text = typeof value === 'boolean' ? (value ? 'yes' : 'no') : leafText(value)
      return text === null || text === '' ? [] : [[name, text]]
    }),
  )
}
