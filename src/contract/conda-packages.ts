/**
 * Conda packages as pip knows them. Nearly every conda_env lists conda packages, and MLflow's uv leaves them out;
 * where there is no conda they are installed by their pip names. Most names are the same.
 */

export interface CondaPackage {
  /** As conda has it, in lower case. */
  name: string
  /** A pip requirement without its name, such as `==1.19.*`; '' for any version. */
  version: string
  /** The version is one that pip has no words for, and was left out. */
  versionDropped: boolean
}

/** Reads a match specification (`channel::name=version=build`, `name >=1,<2`, `name[version='>=1']`); undefined where it is none. */
export function readCondaPackage(spec: string): CondaPackage | undefined {
  const plain = spec.replace(/\s#.*$/, '').trim()
  const withoutChannel = plain.slice(
    plain.lastIndexOf('::') === -1 ? 0 : plain.lastIndexOf('::') + 2
  )
  const [head = '', bracket = ''] = withoutChannel.split('[', 2)
  const match = /^([\w.-]+)\s*(.*)$/.exec(head.trim())
  if (match === null) return undefined
  const [, name = '', written = ''] = match
  const bracketed = /version\s*=\s*(?:'([^']*)'|"([^"]*)"|([^\],\s]*))/.exec(bracket)
  const version = written || (bracketed?.[1] ?? bracketed?.[2] ?? bracketed?.[3] ?? '')
  const translated = pipVersion(version)
  return {
    name: name.toLowerCase(),
    version: translated ?? '',
    versionDropped: translated === undefined
  }
}

/** pip's name; undefined where pip has no such package, or another one under that name. */
export function pipName(name: string): string | undefined {
  const renamed = renames.get(name)
  if (renamed !== undefined) return renamed
  if (natives.has(name)) return undefined
  return nativePattern.test(name) && !libraries.has(name) ? undefined : name
}

// `=1.19` means 1.19 and all below it, `==1.19` and `=1.19=<build>` exactly that; bare versions after a blank mean ==.
function pipVersion(written: string): string | undefined {
  const fuzzy = /^=([^=].*)$/.exec(written)?.[1]
  if (fuzzy !== undefined) {
    const [version = '', build] = fuzzy.split(/[=\s]+/, 2)
    return constraints(version, build === undefined ? prefixed : exactly)
  }
  if (/^[\d*]/.test(written)) return constraints(written.split(/[=\s]/, 1)[0] ?? '', exactly)
  return constraints(written.replace(/\s/g, '').replace(/^(==[^=,]*)=.*$/, '$1'), exactly)
}

function constraints(version: string, bare: (version: string) => string): string | undefined {
  if (version === '') return ''
  const parts = version.split(',').map(part => constraint(part, bare))
  return parts.every(part => part !== undefined)
    ? parts.filter(part => part !== '').join(',')
    : undefined
}

function constraint(part: string, bare: (version: string) => string): string | undefined {
  const [, operator = '', version = ''] = /^(>=|<=|===?|!=|~=|>|<|=)?(.*)$/.exec(part) ?? []
  if (version === '*') return ''
  if (!pipCanRead.test(version)) return undefined
  if (operator === '') return bare(version)
  if (operator === '=') return prefixed(version)
  if (operator === '==' || operator === '===' || operator === '!=')
    return operator.slice(0, 2) + version
  return operator + version.replace(/\.\*$/, '')
}

const exactly = (version: string) => `==${version}`

// Three numbers name a release; fewer name a line of releases.
const prefixed = (version: string) =>
  /^\d+(?:\.\d+)?$/.test(version) ? `==${version}.*` : `==${version}`

const pipCanRead = /^\d+(?:\.\d+)*(?:\.?(?:a|b|c|rc|alpha|beta|pre|post|dev)\.?\d*){0,3}(?:\.\*)?$/i

const renames: ReadonlyMap<string, string> = new Map([
  ['brotli-python', 'brotli'],
  ['dask-core', 'dask'],
  ['faiss', 'faiss-cpu'],
  ['jupyterlab_server', 'jupyterlab-server'],
  ['keras-gpu', 'keras'],
  ['matplotlib-base', 'matplotlib'],
  ['msgpack-python', 'msgpack'],
  // Containers lack the window system that the other one links to.
  ['opencv', 'opencv-python-headless'],
  ['py-opencv', 'opencv-python-headless'],
  ['psycopg2', 'psycopg2-binary'],
  ['py-lightgbm', 'lightgbm'],
  ['py-xgboost', 'xgboost'],
  ['py-xgboost-cpu', 'xgboost'],
  ['py-xgboost-gpu', 'xgboost'],
  ['pyqt', 'pyqt5'],
  ['pytables', 'tables'],
  ['python-graphviz', 'graphviz'],
  ['pytorch', 'torch'],
  ['pytorch-cpu', 'torch'],
  ['pytorch-gpu', 'torch'],
  ['torchvision-cpu', 'torchvision'],
  ['ruamel_yaml', 'ruamel.yaml'],
  ['seaborn-base', 'seaborn'],
  ['tensorflow-eigen', 'tensorflow'],
  ['tensorflow-gpu', 'tensorflow'],
  ['tensorflow-mkl', 'tensorflow']
])

// Compilers, C libraries, tools and pieces of conda itself, some of which pip has other things under.
const natives: ReadonlySet<string> = new Set(
  `arrow-cpp blas boost boost-cpp bzip2 c-ares ca-certificates compilers conda cpuonly cuda cudatoolkit cudnn curl dbus
  expat ffmpeg fontconfig freetype gcc gdal geos gflags git git-lfs glib glog gmp go graphviz grpc-cpp gst-plugins-base
  gstreamer gxx hdf5 icu imagemagick intel-openmp java-jdk jpeg krb5 lame lcms2 lerc llvm-openmp lz4-c make mamba
  mkl mkl-service mkl_fft mkl_random mpc mpfr mpich nccl ncurses nettle ninja-base nodejs nomkl numpy-base openblas
  openh264 openjdk openjpeg openmpi openssl orc pandoc parquet-cpp pcre perl pixman poppler proj proj4 python_abi
  pytorch-cuda pytorch-mutex qt qt-main re2 readline rust snappy sqlite tbb tensorflow-base tesseract thrift-cpp tk
  tzdata ucrt unixodbc unzip utf8proc vc vs2015_runtime wget wincertstore xz yaml yarn zlib zstd`.split(
    /\s+/
  )
)

const nativePattern =
  /^(?:_|r-|lib|ld_impl_|m2-|m2w64-|msys2-|aws-c-|aws-sdk-cpp|cuda-|cudatoolkit-|xorg-|(?:gcc|gxx|gfortran|binutils|sysroot|kernel-headers)_)/

// Python packages whose names begin like those of C libraries.
const libraries: ReadonlySet<string> = new Set([
  'libclang',
  'libcst',
  'librosa',
  'libsass',
  'libsvm'
])
