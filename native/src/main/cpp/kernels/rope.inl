// See rope.h.

void rope(const Rope& args) {
  const int half = args.head_dim / 2;
  for (int head = 0; head < args.heads; head++) {
    float* a = args.x + static_cast<int64_t>(head) * args.head_dim;
    float* b = a + half;
    for (int i = 0; i < half; i++) {
      const float x = a[i];
      const float y = b[i];
      a[i] = x * args.cosines[i] - y * args.sines[i];
      b[i] = y * args.cosines[i] + x * args.sines[i];
    }
  }
}
