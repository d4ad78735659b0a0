// Factors of scores give way to a shift below 0, whatever width another tensor has; a bias meets one power of two
// wherever its weight is used; magnitudes by likelihood are far below what could happen.
// RUN: aac-opt %s --aac-quantise 2>/dev/null | FileCheck %s
// RUN: aac-opt %s --aac-quantise=formats=table=af12e3 2>/dev/null | FileCheck %s --check-prefixes=WIDE
// RUN: aac-opt %s --aac-quantise=weight-sigmas=1 2>/dev/null | FileCheck %s --check-prefix=LIKELY

// CHECK: @table : {{.*}}tensor<2x4xi8> {format = #aac.af<8, 3, bias = 7, scale = 6>}
// WIDE: @table : {{.*}}tensor<2x4xi16> {format = #aac.af<12, 3, bias = 7, scale = 5>}
// The table's smallest exponent is 3; that of the factors is -2, so that the shift is 0.
// CHECK: aac.embedding {{.*}}#aac.af<8, 3, bias = 7, scale = 1>
// WIDE: aac.embedding {{.*}}#aac.af<8, 3, bias = 7, scale = 1>

// @low and @high are 14 octaves apart; a bias meets 2^(their smallest exponent + 1 .. + 7).
// CHECK: @w : tensor
// CHECK: aac.embedding {{.*}}#aac.af<8, 3, bias = 7, scale = 4>
// CHECK: aac.embedding {{.*}}#aac.af<8, 3, bias = 7, scale = 10>
// CHECK: aac.layer_norm {{.*}}#aac.af<8, 3, bias = 7, scale = -3>
// LIKELY: aac.layer_norm {{.*}}#aac.af<8, 3, bias = 7, scale = -4>
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1000.0> : tensor<2x4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %s = aac.scores %e, %e heads 2 scale 1.0 {absmax = 1000.0} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
    %p = aac.softmax %s : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
    aac.return %p : tensor<1x2x3x3xf32>
  }
}
aac.suite {
  aac.param @low : tensor<2x16xf32> = dense<1.0> : tensor<2x16xf32>
  aac.param @high : tensor<2x16xf32> = dense<16384.0> : tensor<2x16xf32>
  aac.param @w : tensor<16x16xf32> = dense<1.0> : tensor<16x16xf32>
  aac.param @b : tensor<16xf32> = dense<1.0> : tensor<16xf32>
  aac.param @g : tensor<16xf32> = dense<1.0> : tensor<16xf32>
  aac.param @z : tensor<16xf32> = dense<0.0> : tensor<16xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["x", "y", "n"] {
    %l = aac.use @low : tensor<2x16xf32>
    %h = aac.use @high : tensor<2x16xf32>
    %w = aac.use @w : tensor<16x16xf32>
    %b = aac.use @b : tensor<16xf32>
    %g = aac.use @g : tensor<16xf32>
    %z = aac.use @z : tensor<16xf32>
    %c = aac.embedding ids(%ids) tables(%l) : (tensor<1x3xi64>, tensor<2x16xf32>) -> tensor<1x3x16xf32>
    %d = aac.embedding ids(%ids) tables(%h) : (tensor<1x3xi64>, tensor<2x16xf32>) -> tensor<1x3x16xf32>
    %x = aac.linear %c, %w, %b : (tensor<1x3x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<1x3x16xf32>
    %y = aac.linear %d, %w, %b : (tensor<1x3x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<1x3x16xf32>
    %n = aac.layer_norm %c, %g, %z epsilon 1.0e-05 : (tensor<1x3x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<1x3x16xf32>
    aac.return %x, %y, %n : tensor<1x3x16xf32>, tensor<1x3x16xf32>, tensor<1x3x16xf32>
  }
}
