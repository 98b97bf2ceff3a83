/** What Intuit's token endpoint answered. */
export interface TokenSet {
  readonly accessToken: string
  readonly accessTokenExpiresAt: Date
  readonly refreshToken: string
  readonly refreshTokenExpiresAt: Date
}
