// RUN: aac-opt %s --split-input-file --verify-diagnostics --aac-share

aac.suite {
  // expected-error @+1 {{the bytes of resource 'nowhere' are missing}}
  aac.param @w : tensor<1x2xf32> = dense_resource<nowhere> : tensor<1x2xf32>
  aac.task @a(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<1x2xf32>
    %0 = aac.linear %x, %w : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
    aac.return %0 : tensor<1x1xf32>
  }
}

// -----

aac.suite {
  // expected-error @+1 {{resource 'short' has 4 bytes, 'tensor<1x2xf32>' has 8}}
  aac.param @w : tensor<1x2xf32> = dense_resource<short> : tensor<1x2xf32>
  aac.task @a(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<1x2xf32>
    %0 = aac.linear %x, %w : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
    aac.return %0 : tensor<1x1xf32>
  }
}
{-# dialect_resources: { builtin: { short: "0x040000000000803F" } } #-}
