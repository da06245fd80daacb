#include "cuda/nccl.h"

#include <dlfcn.h>

#include <chrono>

#include "support/error.h"

namespace gavel::nccl {

namespace {

constexpr const char* kFile = "libnccl.so.2";
constexpr int32_t kSuccess = 0;
constexpr int32_t kSum = 0;
constexpr auto kCall = std::chrono::seconds(1);  // enqueueing a sum takes microseconds

std::mutex mutex;
Api api{};

// ncclDataType_t
int32_t type_of(int32_t dtype) {
  switch (dtype) {
    case GAVEL_F16:
      return 6;
    case GAVEL_F32:
      return 7;
    default:
      return 9;  // bf16
  }
}

void* load(const std::string& own, const std::string& libtorch, std::string& looked_for) {
  void* library = dlopen(kFile, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  for (const std::string& folder : {own, libtorch, libtorch.empty() ? libtorch : libtorch + "/../../nvidia/nccl/lib"}) {
    if (library == nullptr && !folder.empty()) {
      const std::string file = folder + "/" + kFile;
      looked_for += file + ", ";
      library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    }
  }
  looked_for += "the system's";
  return library == nullptr ? dlopen(kFile, RTLD_NOW | RTLD_LOCAL) : library;
}

template <typename F>
void resolve(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (function == nullptr) {
    fail(GAVEL_UNAVAILABLE, "nccl: expected version 2.10 or later, found one without %s", name);
  }
}

}  // namespace

const Api& open(const std::string& own, const std::string& libtorch) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (api.id != nullptr) {
    return api;
  }
  std::string looked_for;
  void* library = load(own, libtorch, looked_for);
  if (library == nullptr) {
    fail(GAVEL_UNAVAILABLE, "nccl: expected %s for a model over several devices, looked for %s, found: %s", kFile,
         looked_for.c_str(), dlerror());
  }
  Api found{};
  resolve(library, "ncclGetUniqueId", found.id);
  resolve(library, "ncclCommInitRank", found.join);
  resolve(library, "ncclAllReduce", found.all_reduce);
  resolve(library, "ncclCommAbort", found.abort);
  resolve(library, "ncclCommGetAsyncError", found.asynchronous_error);
  resolve(library, "ncclGetErrorString", found.error_text);
  api = found;
  return api;
}

Id new_id(const Api& of) {
  Id id;
  const int32_t code = of.id(&id);
  if (code != kSuccess) {
    fail(GAVEL_UNAVAILABLE, "nccl: expected a meeting point for ranks, found: %s", of.error_text(code));
  }
  return id;
}

void Rank::require(int32_t code, const char* what) const {
  if (code != kSuccess) {
    fail(GAVEL_UNAVAILABLE, "rank %d of %d: %s: expected an answer of all, found: %s", rank_, ranks_, what,
         api_.error_text(code));
  }
}

Communicator* Rank::joined() const {
  Communicator* communicator = communicator_;
  if (communicator == nullptr) {
    fail(GAVEL_UNAVAILABLE, "rank %d of %d: expected to be connected, found that the group has ended", rank_, ranks_);
  }
  return communicator;
}

void Rank::join(const Id& id) {
  Communicator* communicator = nullptr;
  require(api_.join(&communicator, ranks_, id, rank_), "joining");
  communicator_ = communicator;
  if (aborted_) {
    abort();
  }
}

void Rank::sum(const Terms& terms, const Device& device) {
  const std::lock_guard<std::timed_mutex> lock(calling_);
  require(
      api_.all_reduce(terms.data, terms.data, terms.elements, type_of(terms.dtype), kSum, joined(), device.stream()),
      "sum");
}

void Rank::require_whole() {
  const std::lock_guard<std::timed_mutex> lock(calling_);
  int32_t error = kSuccess;
  require(api_.asynchronous_error(joined(), &error), "sums");
  require(error, "sums");
}

void Rank::abort() noexcept {
  aborted_ = true;
  // A call that takes longer than this waits for a rank that will not come, and abort is what gets it out.
  const std::unique_lock<std::timed_mutex> lock(calling_, kCall);
  Communicator* communicator = communicator_.exchange(nullptr);
  if (communicator != nullptr) {
    api_.abort(communicator);
  }
}

}  // namespace gavel::nccl
