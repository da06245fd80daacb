#include "cuda/group.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "support/error.h"

namespace gavel {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTimeout{120000};
constexpr milliseconds kRest{2000};  // after the first failure: the time of a large batch
constexpr milliseconds kEnd{10000};  // after NCCL was aborted

// "cuda:0+1"
std::string name_of(const Config& config) {
  std::string text;
  for (const int device : config.devices) {
    text += (text.empty() ? "cuda:" : "+") + std::to_string(device);
  }
  return text;
}

Config checked(const gavel_config& source) {
  Config config(source);
  const std::set<int> distinct(config.devices.begin(), config.devices.end());
  GAVEL_REQUIRE(distinct.size() == config.devices.size(), "%s: expected each device once, found one of them again",
                name_of(config).c_str());
  return config;
}

}  // namespace

GroupEngine::GroupEngine(const gavel_config& config, const nccl::Api& nccl, const Maker& make)
    : Engine(checked(config)),
      timeout_(config.rank_timeout_ms == 0 ? kTimeout : milliseconds(config.rank_timeout_ms)),
      ranks_(std::make_shared<Ranks>(config.ranks)),
      threads_(config.ranks) {
  apart([&](Ranks& ranks, int r) {
    gavel_config own = config;
    own.rank = r;
    own.device_index = config.rank_devices[r];
    ranks[r].collective = std::make_shared<nccl::Rank>(nccl, r, config.ranks);
    ranks[r].engine = make(own, ranks[r].collective);
  });
  require_one_kind();
  const nccl::Id id = nccl::new_id(nccl);
  together([id](Ranks& ranks, int r) {
    ranks[r].engine->use();
    ranks[r].collective->join(id);
  });
}

GroupEngine::~GroupEngine() {
  for (Rank& rank : *ranks_) {
    rank.collective->abort();
  }
}

// Ranks must round alike: they choose the experts of a row each for itself.
void GroupEngine::require_one_kind() const {
  const char* first = ranks_->front().engine->properties().name;
  for (const Rank& rank : *ranks_) {
    const char* name = rank.engine->properties().name;
    GAVEL_REQUIRE(std::strcmp(first, name) == 0, "%s: expected devices of one kind, found %s and %s",
                  name_of(config_).c_str(), first, name);
  }
}

void GroupEngine::apart(const std::function<void(Ranks&, int)>& task) {
  threads_.run([task, ranks = ranks_](int r) { task(*ranks, r); }, [] {}, {});
}

void GroupEngine::together(const std::function<void(Ranks&, int)>& task) {
  if (!broken_.empty()) {
    fail(GAVEL_UNAVAILABLE, "%s: expected all ranks at work, found that the group has ended: %s",
         name_of(config_).c_str(), broken_.c_str());
  }
  bool ended = false;
  const auto stop = [&] {
    ended = true;
    for (Rank& rank : *ranks_) {
      rank.collective->abort();
    }
  };
  try {
    threads_.run([task, ranks = ranks_](int r) { task(*ranks, r); }, stop,
                 {timeout_, std::min(timeout_, kRest), std::min(timeout_, kEnd)});
  } catch (const std::exception& error) {
    if (ended) {
      broken_ = error.what();
    }
    throw;
  }
}

void GroupEngine::take(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                       int64_t bytes) {
  apart([=](Ranks& ranks, int r) { ranks[r].engine->set_tensor(name, dtype, rank, shape, data, bytes); });
}

void GroupEngine::build() {
  together([](Ranks& ranks, int r) { ranks[r].engine->finish(); });
}

// `cancel` is looked at here only: ranks that stop at different layers would wait for each other, and the launches of a
// batch, between which one could stop, are enqueued within milliseconds.
void GroupEngine::compute(Plan& plan, gavel_outputs& outputs) {
  if (plan.batch->cancel != nullptr && *plan.batch->cancel != 0) {
    fail(GAVEL_CANCELLED, "batch: cancelled before it was begun");
  }
  together([&plan, &outputs, vocabulary = config_.vocabulary](Ranks& ranks, int r) {
    Rank& own = ranks[r];
    own.batch = *plan.batch;
    own.batch.cancel = nullptr;
    if (r == 0) {
      own.engine->run(own.batch, plan.labels, outputs);
    } else {
      gavel_outputs room = own.room(plan, vocabulary);
      own.engine->run(own.batch, plan.labels, room);
    }
  });
}

gavel_outputs GroupEngine::Rank::room(const Plan& plan, int vocabulary) {
  label_log_probabilities.resize(plan.scored > 0 ? static_cast<size_t>(plan.scored) * plan.labels->count() : 0);
  label_log_mass.resize(plan.scored);
  sampled_log_probabilities.resize(plan.sampled);
  sampled_tokens.resize(plan.sampled);
  logits.resize(static_cast<size_t>(plan.logit_rows) * vocabulary);
  gavel_outputs outputs{};
  outputs.label_log_probabilities = label_log_probabilities.data();
  outputs.label_log_mass = label_log_mass.data();
  outputs.sampled_tokens = sampled_tokens.data();
  outputs.sampled_log_probabilities = sampled_log_probabilities.data();
  outputs.logits = logits.data();
  return outputs;
}

void GroupEngine::prepare(Labels& labels) const { ranks_->front().engine->prepare(labels); }

Engine::Sizes GroupEngine::sizes() const {
  Sizes all{ranks_->front().engine->sizes().parameters, 0, 0, 0};
  for (const Rank& rank : *ranks_) {
    const Sizes own = rank.engine->sizes();
    all.weight_bytes += own.weight_bytes;
    all.kv_bytes += own.kv_bytes;
    all.kv_bytes_per_token += own.kv_bytes_per_token;
  }
  return all;
}

int64_t GroupEngine::workspace_bytes() const {
  int64_t bytes = 0;
  for (const Rank& rank : *ranks_) {
    bytes += rank.engine->workspace_bytes();
  }
  return bytes;
}

}  // namespace gavel
