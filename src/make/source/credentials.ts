/** Who logs in where, in URLs: of SSH the password, of all others the user too, which may be a token. */
const CREDENTIALS = /\b([a-z][a-z0-9+.-]*):\/\/([^/@\s'"]*)@/gi;

/** A text with URLs, as it may be shown and kept. */
export function withoutCredentials(text: string): string {
  return text.replaceAll(CREDENTIALS, (_whole, scheme: string, who: string) => {
    const user = /ssh$/i.test(scheme) ? `${who.split(':')[0]}@` : '';
    return `${scheme}://${user}`;
  });
}
