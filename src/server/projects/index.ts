/** An uploaded archive: spooled to a temporary file, inspected, refused or made a project (docs/projects.md). */
export { type ArchiveEntry, UnreadableArchive } from './archive-entry.ts'
export { type InspectedProject, inspectArchive } from './inspect-archive.ts'
export type { ProjectFacts } from './project-intake.ts'
export { defaultLimits, type ProjectLimits } from './project-limits.ts'
export { readStored } from './read-stored.ts'
export { readTarGz } from './read-tar-gz.ts'
export { type SpooledFile, type SpoolOptions, spoolUpload } from './spool-upload.ts'
export { type TreeFile, treeDigest } from './tree-digest.ts'
