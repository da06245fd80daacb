// Random numbers by counter: the same number for a seed and a draw, whichever thread asks.
#pragma once

#include "device/platform.h"

namespace gavel::cuda {

// Philox4x32-10 (Salmon et al., SC 2011), keyed by the seed, at counter `draw`: uniform in [0, 1).
GAVEL_HOST_DEVICE double philox_uniform(uint64_t seed, uint32_t draw) {
  uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  uint32_t counter[4] = {draw, 0, 0, 0};
  for (int round = 0; round < 10; round++) {
    const uint64_t a = 0xD2511F53ull * counter[0];
    const uint64_t b = 0xCD9E8D57ull * counter[2];
    const uint32_t next0 = static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0];
    const uint32_t next2 = static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1];
    counter[0] = next0;
    counter[1] = static_cast<uint32_t>(b);
    counter[2] = next2;
    counter[3] = static_cast<uint32_t>(a);
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  const uint64_t bits = (static_cast<uint64_t>(counter[0]) << 32) | counter[1];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace gavel::cuda
