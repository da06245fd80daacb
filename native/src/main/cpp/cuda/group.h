// One model over several devices of this process: an engine per rank, each on a thread of its own, driven as one.
//
// Every call goes to all ranks at once; results are rank 0's, and all ranks have the same. A rank that fails while
// others wait for its sums, or a wait that lasts too long, ends the group: NCCL is aborted, so that nobody hangs, the
// call fails, and so does every later one. Where all ranks come back by themselves, as from a cancelled batch or one
// that asked for more memory than any has, the group goes on.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cuda/engine.h"
#include "cuda/nccl.h"
#include "support/rank_threads.h"

namespace gavel {

class GroupEngine : public Engine {
 public:
  // Makes the engine of one rank, on the rank's thread. The config names its rank and its device.
  using Maker =
      std::function<std::unique_ptr<DeviceEngine>(const gavel_config& config, std::shared_ptr<Collective> collective)>;

  // Makes the ranks' engines on config.rank_devices and has them meet.
  GroupEngine(const gavel_config& config, const nccl::Api& nccl, const Maker& make);
  ~GroupEngine() override;

 private:
  struct Rank {
    std::shared_ptr<nccl::Rank> collective;
    std::unique_ptr<DeviceEngine> engine;
    gavel_batch batch{};
    // Results that nobody reads; rank 0 writes the caller's.
    std::vector<float> label_log_probabilities, label_log_mass, sampled_log_probabilities, logits;
    std::vector<int32_t> sampled_tokens;

    gavel_outputs room(const Plan& plan, int vocabulary);
  };
  using Ranks = std::vector<Rank>;

  void take(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
            int64_t bytes) override;
  void build() override;
  void compute(Plan& plan, gavel_outputs& outputs) override;
  void prepare(Labels& labels) const override;
  Sizes sizes() const override;
  int64_t workspace_bytes() const override;

  // A task of all ranks that waits for no sums.
  void apart(const std::function<void(Ranks& ranks, int rank)>& task);
  // A task in which they do.
  void together(const std::function<void(Ranks& ranks, int rank)>& task);
  void require_one_kind() const;

  const std::chrono::milliseconds timeout_;
  std::string broken_;            // why, once the group has ended
  std::shared_ptr<Ranks> ranks_;  // a thread that does not come back keeps them
  RankThreads threads_;
};

}  // namespace gavel
