import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * Loads a package at its first use, and not with the program: a service that never uses it must not hold its code, which is
 * megabytes for some. `Module` is the type of the package, `typeof import('…')`.
 */
export function loadPackage<Module>(name: string): Module {
  return require(name) as Module;
}
