/** model.tar.gz as the files that it holds. What is in it was made by somebody's program: names, sizes and bytes are hostile. */
export type { ByteRange } from './checked-bytes.ts'
export { findUnzippable } from './find-unzippable.ts'
export { listedFiles } from './listed-files.ts'
export { openModelFile } from './open-model-file.ts'
export { zipModel } from './zip-model.ts'
