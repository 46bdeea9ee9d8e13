import { pathOfFile } from '../../model/executable.ts';
import { fnv128a } from '../../model/file-id.ts';
import type { CollectedMapping } from './collected.ts';
import type { RecordedExecutable, RecordedKernel } from './executables.ts';

interface ModuleRange {
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
}

// The upper part of the address space is the kernel's: x86-64 with 5 levels of page tables and arm64 with 48 or 52 bits
// begin there or above.
const firstKernelAddress = 0xff00_0000_0000_0000n;

/** True for addresses of kernel code. Callers sort out `[vsyscall]`, the one page of it that programs may call. */
export function isKernelAddress(address: bigint): boolean {
  return address >= firstKernelAddress;
}

/**
 * Name of the module that a mapped file or a name in brackets stands for (`/lib/modules/…/nf_conntrack.ko.xz`,
 * `[nf_conntrack]`); empty for the kernel itself, `undefined` for anything else.
 */
export function kernelModuleOf(path: string): string | undefined {
  if (/^\[(?:guest\.)?kernel\b|(?:^|\/)vmlinu[xz]/.test(path)) return '';
  const module = /(?:^|\/)([\w-]+)\.ko(?:\.\w+)?$/.exec(pathOfFile(path))?.[1] ?? /^\[([\w-]+)\]$/.exec(path)?.[1];
  if (module !== undefined) return notModules.has(module) ? undefined : module.replaceAll('-', '_');
  return /^bpf_prog_|^bpf_trampoline_|^bpf_dispatcher_/.test(path) ? 'bpf' : undefined;
}

// Parts of a program's memory that are no file of its own.
const notModules: ReadonlySet<string> = new Set(
  'anon heap sigpage stack unknown uprobes vdso vdso32 vectors vsyscall vvar vvar_vclock'.split(' '),
);

/** The kernel's own text and its modules, each a file of its own. */
export class KernelFiles {
  readonly #modules: ModuleRange[] = [];
  readonly #files = new Map<string, RecordedExecutable>();
  #kernel: RecordedKernel;

  constructor(kernel: RecordedKernel) {
    this.#kernel = kernel;
  }

  /** File ID of the kernel itself. */
  get fileId(): string {
    return this.#kernel.executable.fileId;
  }

  setText(kernel: RecordedKernel): void {
    this.#kernel = kernel;
  }

  addModule(name: string, start: bigint, end: bigint, buildId: string): void {
    this.#modules.push({ name, start, end });
    if (buildId !== '') this.#files.set(name, { ...this.#file(name), gnuBuildId: buildId, fileId: fnv128a(buildId) });
  }

  /**
   * The file that holds a kernel address, with its range where that is known: both ends are 0 otherwise. `module` is its name,
   * empty for the kernel's own text, `undefined` when unknown; then the ranges tell.
   */
  mappingOf(address: bigint, module: string | undefined): CollectedMapping {
    const { executable, textStart, textEnd } = this.#kernel;
    const isInText = address >= textStart && address < textEnd;
    if (module === '' || (module === undefined && isInText)) {
      const [start, end] = isInText ? [textStart, textEnd] : [0n, 0n];
      return { executable, start, end, fileOffset: 0n };
    }
    const range = this.#modules.find(({ name, start, end }) => {
      return (module === undefined || name === module) && address >= start && address < end;
    });
    const { start, end } = range ?? { start: 0n, end: 0n };
    return { executable: this.#file(module ?? range?.name ?? '[kernel]'), start, end, fileOffset: 0n };
  }

  #file(name: string): RecordedExecutable {
    let file = this.#files.get(name);
    if (file === undefined) {
      const fileId = fnv128a(`kernel module ${name}`, this.#kernel.executable.fileId);
      file = { fileId, fileIdIsHtlhash: false, fileName: name, gnuBuildId: '', loads: [] };
      this.#files.set(name, file);
    }
    return file;
  }
}
