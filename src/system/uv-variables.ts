/** What uv must be told so that it fetches packages from where pip does: it reads none of pip's variables. */
const names = {
  PIP_INDEX_URL: 'UV_DEFAULT_INDEX',
  PIP_EXTRA_INDEX_URL: 'UV_INDEX',
  PIP_FIND_LINKS: 'UV_FIND_LINKS',
  PIP_CERT: 'SSL_CERT_FILE'
}

/** The environment, with uv's names added for those of pip; what uv's own names say stays. */
export function uvVariables(environment: Record<string, string>): Record<string, string> {
  const added = Object.entries(names).flatMap(([pip, uv]) => {
    const value = environment[pip]
    return value ? [[uv, value]] : []
  })
  return { ...Object.fromEntries(added), ...environment }
}
