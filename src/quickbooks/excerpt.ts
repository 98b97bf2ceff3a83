// Enough for Intuit's sentence about a fault, not for a page of HTML or a dump of a request.
const LONGEST_EXCERPT = 200

// The patterns below use lookahead, so their input is kept short.
const LONGEST_SEARCHED = 2_000

// Intuit puts the token itself into "Token expired: …". A run of this length with a digit in it is not a word.
const TOKEN_LIKE = /(?=[\w.~+/-]*\d)[\w.~+/-]{20,}=*/g

const AUTHORIZATION = /\b(?:bearer|basic)\s+\S+/gi

/** A short excerpt of a text from outside, without the given secrets or anything that looks like one. */
export function excerpt(text: string, secrets: readonly string[]): string {
  const known = secrets
    .filter((secret) => secret !== '')
    .reduce((cleaned, secret) => cleaned.replaceAll(secret, '…'), text)
  const searched = known.slice(0, LONGEST_SEARCHED)
  const cleaned = searched.replace(AUTHORIZATION, '…').replace(TOKEN_LIKE, '…').replace(/\s+/g, ' ').trim()
  return cleaned.length > LONGEST_EXCERPT ? `${cleaned.slice(0, LONGEST_EXCERPT)}…` : cleaned
}
