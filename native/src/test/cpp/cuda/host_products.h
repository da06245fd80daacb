// Matrix products of the host's model of a device: a plain loop in doubles.
#pragma once

#include "cuda/products.h"

class PlainProducts : public gavel::Products {
 public:
  void multiply(const gavel::Product& product, void* stream) override;
};
