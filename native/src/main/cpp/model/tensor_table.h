// The tensors that an architecture expects of a checkpoint: their names and shapes, and what to do with each.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace gavel {

// One tensor as it lies on disk.
struct TensorView {
  int32_t dtype;
  const void* data;

  // Element `index` as fp32; exact for all disk types.
  float at(int64_t index) const;
};

// Bytes of one element.
int dtype_bytes(int32_t dtype);

// The product of its sizes.
int64_t elements_of(const std::vector<int64_t>& shape);

// What is kept of a tensor: the index-th of `count` equal parts along a dimension.
struct Share {
  int axis = 0;
  int index = 0;
  int count = 1;
};

class TensorTable {
 public:
  using Fill = std::function<void(const TensorView&)>;

  // `fill` is given the share only, without gaps; the shape is the whole tensor's.
  void declare(const std::string& name, std::vector<int64_t> shape, Fill fill, Share share = {});

  // Checks a tensor against its declaration and fills it; see gavel_engine_set_tensor.
  void set(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data, int64_t bytes);

  // Fails with FAILED_PRECONDITION, naming a missing tensor.
  void require_complete() const;

  // Elements of all tensors set, as whole ones.
  int64_t parameters() const { return parameters_; }

 private:
  struct Slot {
    std::vector<int64_t> shape;
    Fill fill;
    Share share;
    bool filled = false;
  };

  std::map<std::string, Slot> slots_;
  int64_t parameters_ = 0;
};

}  // namespace gavel
