import { spawnSync } from 'node:child_process';
import { existsSync, globSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Real binaries of this machine, and programs made here where a compiler is. */
export function findBinaries(folder: string): { name: string; path: string | undefined }[] {
  const first = (...patterns: string[]): string | undefined => patterns.flatMap((pattern) => globSync(pattern))[0];
  return [
    { name: 'node', path: realpathSync(process.execPath) },
    {
      name: 'libpython',
      path: first('/root/.pyenv/versions/3.11.*/lib/libpython3.11.so.1.0', '/usr/lib/*/libpython3*.so.1.0'),
    },
    { name: 'libc, debug file', path: debugFileOf(first('/lib/x86_64-linux-gnu/libc.so.6', '/lib/*/libc.so.6')) },
    { name: 'libjvm', path: first('/usr/lib/debug/**/libjvm.so.debug', '/usr/lib/jvm/*/lib/server/libjvm.so') },
    { name: 'libjvm, debug file', path: process.env.FRAMEKEEPER_LIBJVM_DEBUG },
    { name: 'C++ by GCC', path: compile(folder, 'cxx-gcc', [cxxSource, 'g++', '-O2', '-g', '-x', 'c++']) },
    { name: 'C++ by Clang', path: compile(folder, 'cxx-clang', [cxxSource, 'clang++', '-O2', '-g', '-x', 'c++']) },
    {
      name: 'C++ by GCC, LTO',
      path: compile(folder, 'cxx-lto', [cxxSource, 'g++', '-O2', '-g', '-flto', '-x', 'c++']),
    },
    { name: 'Rust', path: compile(folder, 'rust', [rustSource, 'rustc', '-O', '-g', '--crate-name', 'program', '-']) },
    { name: 'Go', path: compileGo(folder) },
  ];
}

function debugFileOf(library: string | undefined): string | undefined {
  const text = library && spawnSync('readelf', ['-n', library], { encoding: 'utf8' }).stdout;
  const id = /Build ID: ([0-9a-f]+)/.exec(text ?? '')?.[1];
  const path = id && `/usr/lib/debug/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`;
  return path !== undefined && existsSync(path) ? path : undefined;
}

function compile(
  folder: string,
  name: string,
  [source, compiler, ...options]: readonly [string, string, ...string[]],
): string | undefined {
  const path = join(folder, name);
  const output = compiler === 'rustc' ? ['-o', path] : ['-', '-o', path];
  const { status } = spawnSync(compiler, [...options, ...output], { input: source, cwd: folder });
  return status === 0 ? path : undefined;
}

function compileGo(folder: string): string | undefined {
  const path = join(folder, 'go');
  writeFileSync(join(folder, 'main.go'), goSource);
  return spawnSync('go', ['build', '-o', path, 'main.go'], { cwd: folder }).status === 0 ? path : undefined;
}

const cxxSource = `
#include <algorithm>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>
int main(int count, char **words) {
  std::map<std::string, std::vector<int>> lists;
  std::unordered_map<std::string, int> counts;
  for (int i = 0; i < count; i++) lists[words[i]].push_back(counts[words[i]]++);
  std::regex pattern("a+b*(c|d)");
  std::vector<std::string> sorted(words, words + count);
  std::sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return a.size() < b.size(); });
  for (auto &word : sorted) std::cout << std::regex_match(word, pattern) << lists[word].size();
}
`;

const rustSource = `
use std::collections::HashMap;
fn main() {
    let mut counts = HashMap::new();
    for word in std::env::args() { *counts.entry(word).or_insert(0) += 1; }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort();
    println!("{:?}", sorted);
}
`;

const goSource = `
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	fmt.Println(len(os.Args))
	if len(os.Args) > 3 {
		http.ListenAndServe(":0", nil)
	}
}
`;
