// Intuit's sentence about a fault fits; a page of HTML or a dump of a request does not.
const LONGEST_EXCERPT = 200

// The patterns below look ahead, so what they look through is kept short.
const LONGEST_SEARCHED = 2_000

// Intuit puts the token itself into "Token expired: …". A run of this length with a digit in it is no word.
const TOKEN_LIKE = /(?=[\w.~+/-]*\d)[\w.~+/-]{20,}=*/g

const AUTHORIZATION = /\b(?:bearer|basic)\s+\S+/gi

/** A short piece of a text that came from outside, without the given secrets and without what looks like one. */
export function excerpt(text: string, secrets: readonly string[]): string {
  const known = secrets
    .filter((secret) => secret !== '')
    .reduce((cleaned, secret) => cleaned.replaceAll(secret, '…'), text)
  const searched = known.slice(0, LONGEST_SEARCHED)
  const cleaned = searched.replace(AUTHORIZATION, '…').replace(TOKEN_LIKE, '…').replace(/\s+/g, ' ').trim()
  return cleaned.length > LONGEST_EXCERPT ? `${cleaned.slice(0, LONGEST_EXCERPT)}…` : cleaned
}
