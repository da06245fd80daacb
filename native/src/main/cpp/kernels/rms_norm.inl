// See rms_norm.h.

void rms_norm(const RmsNorm& args) {
  for (int row = 0; row < args.rows; row++) {
    const float* x = args.x + row * args.stride;
    float* out = args.out + row * args.out_stride;
    const float scale = inverse_rms(x, args.width, args.epsilon);
    for (int i = 0; i < args.width; i++) {
      out[i] = x[i] * scale * args.weight[i];
    }
  }
}
