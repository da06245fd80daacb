// The keys that a tile's rows see, and the blocks of shared memory they are read into.
#pragma once

#include "device/mma.h"
#include "gavel_cuda.h"

namespace gavel::cuda {

constexpr int kHeadDimMax = 128;

// A tile's keys, numbered in the order of their positions.
struct TileKeys {
  const int32_t* list;       // slots of the keys that all rows see
  const int32_t* row_slots;  // slots of own rows
  int list_count;
  int own_begin;
  int count;

  GAVEL_DEVICE TileKeys(const gavel_cuda_attention& args, const gavel_cuda_tile& tile)
      : list(args.slot_list + tile.list_begin),
        row_slots(args.row_slots),
        list_count(tile.list_count),
        own_begin(tile.own_begin),
        count(tile.list_count + tile.own_end - tile.own_begin) {}

  GAVEL_DEVICE int64_t slot(int key) const {
    return key < list_count ? list[key] : row_slots[own_begin + key - list_count];
  }
};

}  // namespace gavel::cuda
