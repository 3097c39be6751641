const grouped = new Intl.NumberFormat('en-US')

/** "1 file", "50,000 files". */
export const plural = (count: number, one: string, many: string): string =>
  `${grouped.format(count)} ${count === 1 ? one : many}`
