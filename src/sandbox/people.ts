/** Who can sign in at the simulated Intuit, the same for every company. */
export const PEOPLE = [
  { id: 'anna', name: 'Anna, who administers every company', administers: true },
  { id: 'ben', name: 'Ben, a second admin of every company', administers: true },
  { id: 'carl', name: 'Carl, who may work in every company but administers none', administers: false },
] as const

export type PersonId = (typeof PEOPLE)[number]['id']

/** Consents where nobody is named: in a first connection and for programs that ask for one company. */
export const USUAL_PERSON: PersonId = 'anna'

export function isPerson(id: string): id is PersonId {
  return PEOPLE.some((person) => person.id === id)
}

/** The rights that were changed since the start: company, person, whether an admin. */
export type AdminRights = Record<string, Partial<Record<PersonId, boolean>>>

export function isAdmin(rights: AdminRights, realmId: string, person: PersonId): boolean {
  return rights[realmId]?.[person] ?? PEOPLE.find(({ id }) => id === person)?.administers ?? false
}
