// The program of the recording `c`: some nine seconds of work with deep recursion, inlined functions, and calls into libc, libm and libstdc++.
//
//   g++ -O2 -g -gz=zlib -fno-omit-frame-pointer -ffile-prefix-map=$PWD=/srv/app -o workc workc.cc

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace app {

volatile double sink;

template <typename T> inline __attribute__((always_inline)) T mix(T x) {
  x ^= x >> 33;
  x *= static_cast<T>(0xff51afd7ed558ccdULL);
  return x ^ (x >> 29);
}

inline __attribute__((always_inline)) unsigned long hashOf(const char *text, size_t length) {
  unsigned long hash = 14695981039346656037UL;
  for (size_t i = 0; i < length; i++) hash = mix(hash ^ static_cast<unsigned char>(text[i]));
  return hash;
}

/** Deeper than a collector follows. */
__attribute__((noinline)) unsigned long descend(int depth, unsigned long value) {
  if (depth == 0) {
    for (int i = 0; i < 20000; i++) value = mix(value + i);
    return value;
  }
  unsigned long below = descend(depth - 1, mix(value));
  return mix(below ^ depth);
}

__attribute__((noinline)) size_t words(int count) {
  std::map<std::string, int> counts;
  char text[32];
  for (int i = 0; i < count; i++) {
    std::snprintf(text, sizeof text, "word %lu", hashOf(reinterpret_cast<char *>(&i), sizeof i) % 997);
    counts[text]++;
  }
  return counts.size();
}

int compare(const void *a, const void *b) { return *static_cast<const int *>(a) - *static_cast<const int *>(b); }

__attribute__((noinline)) int sorted(int count) {
  std::vector<int> numbers(count);
  for (int i = 0; i < count; i++) numbers[i] = static_cast<int>(mix(static_cast<unsigned long>(i)) & 0xffffff);
  std::qsort(numbers.data(), numbers.size(), sizeof(int), compare);
  return numbers[count / 2];
}

struct Wave {
  double phase;
  __attribute__((noinline)) double sum(int steps) const {
    double total = 0;
    for (int i = 0; i < steps; i++) total += std::sin(phase * i) * std::exp(-i * 1e-3);
    return total;
  }
};

__attribute__((noinline)) void copies(std::vector<char> &from, std::vector<char> &to) {
  for (int i = 0; i < 40; i++) std::memcpy(to.data(), from.data(), from.size());
}

}  // namespace app

int main(int count, char **arguments) {
  std::vector<char> from(1 << 20, 'x'), to(1 << 20);
  const int rounds = count > 1 ? std::atoi(arguments[1]) : 13'500;
  for (int round = 0; round < rounds; round++) {
    app::sink = static_cast<double>(app::descend(round % 4 == 0 ? 300 : 12, round));
    app::sink = static_cast<double>(app::words(400));
    app::sink = app::sorted(2000);
    app::sink = app::Wave{0.1 * round}.sum(4000);
    if (round % 8 == 0) app::copies(from, to);
  }
}
