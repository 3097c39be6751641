/** The error guide for people: as the page that a problem's type leads to, and as docs/errors.md. */
import { errorGuide } from './error-guide.ts'

const introduction =
  'Every error is an application/problem+json document (RFC 9457). Programs look at its code, which stays; people read its detail. Where several things are wrong, errors names each, with a JSON pointer. The instance is the request’s id, as in the header X-Request-Id; the service’s log has it, too.'

export const errorsPage = (): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Errors of mlflow-jobs</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}h2{font:600 1rem ui-monospace,monospace;margin:2rem 0 0}:target{background:#fd05}p{margin:.25rem 0}</style>
<h1>Errors of mlflow-jobs</h1>
<p>${escapeHtml(introduction)}</p>
${errorGuide.map(toSection).join('\n')}
</html>
`

const toSection = ({ code, status, meaning, remedy }: (typeof errorGuide)[number]) =>
  `<h2 id="${code}">${status} ${code}</h2>\n<p>${escapeHtml(meaning)}</p>\n<p>${escapeHtml(remedy)}</p>`

const escapeHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The same as Markdown, with its lines unbroken. */
export const errorsMarkdown = (): string => `# Errors

${introduction}

The service shows this page at \`/docs/errors\`; a problem's \`type\` leads to its code there. \`npm run openapi\` writes it.

| code | status | what it means | what to do |
|---|---|---|---|
${errorGuide.map(toRow).join('\n')}
`

const toRow = ({ code, status, meaning, remedy }: (typeof errorGuide)[number]) =>
  `| <a id="${code}"></a>\`${code}\` | ${status} | ${meaning} | ${remedy} |`
