/** What parts tell an operator. It is said when the app is there: next to nothing happens before. */
export interface Voice {
  progress(text: string): void
  problem(text: string): void
}
