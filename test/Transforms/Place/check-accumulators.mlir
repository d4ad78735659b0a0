// What proves that sums fit 32 bits, where that is not so, and refusal of 16 bits with the bound.
// RUN: aac-opt %s --aac-check-accumulators=machine=tiny -o /dev/null 2>&1 | FileCheck %s
// RUN: not aac-opt %s --aac-check-accumulators=machine=edgebert-published -o /dev/null 2>&1 | FileCheck %s --check-prefix=NARROW
// RUN: not aac-opt %s --aac-check-accumulators=machine=none-such 2>&1 | FileCheck %s --check-prefix=MACHINE

// @small: 16 significands of 32 times 3968 and no bias. @large: 256 of 3968 times 3968 is more
// than 2^31. Scores: 16 features of a head. Context: a row of codes of probabilities adds up to 2
// at most, in units of 2^-11.
// CHECK-NOT: remark
// CHECK: remark: sums are not proven to fit the accumulator: up to 4030726144 (the weight's largest row times the largest code), 32 bits hold 2147483647; the simulator counts sums that wrap
// CHECK-NOT: remark
// NARROW: error: 'aac.linear' op adds up to 2031616 (the weight's largest row times the largest code), the accumulator of 'edgebert-published' has 16 bits and holds 32767: it would wrap; compile for a machine with a wider one
// MACHINE: error: {{.*}}none-such

#f = #aac.af<8, 3, bias = 7, scale = 0>
#p = #aac.af<8, 3, bias = 3, scale = 0>
aac.suite {
  aac.param @table : tensor<2x16xf32> = dense<0x10> : tensor<2x16xi8> {format = #f}
  aac.param @small : tensor<256x16xf32> = dense<0x10> : tensor<256x16xi8> {format = #f}
  aac.param @large : tensor<16x256xf32> = dense<0x7f> : tensor<16x256xi8> {format = #f}
  aac.task @t(%ids: tensor<1x16xi64>, %mask: tensor<1x16xi64>) inputs ["ids", "mask"] outputs ["y"] {
    %t = aac.use @table : tensor<2x16xf32>
    %small = aac.use @small : tensor<256x16xf32>
    %large = aac.use @large : tensor<16x256xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<2x16xf32>) -> tensor<1x16x16xf32>
    %a = aac.linear %e, %small {format = #f} : (tensor<1x16x16xf32>, tensor<256x16xf32>) -> tensor<1x16x256xf32>
    %m = aac.mask %mask, -10000.0 : tensor<1x16xi64> -> tensor<1x1x1x16xf32>
    %s = aac.scores %e, %e heads 1 scale 0.25 {format = #f} : (tensor<1x16x16xf32>, tensor<1x16x16xf32>) -> tensor<1x1x16x16xf32>
    %p = aac.softmax %s, %m {format = #p} : (tensor<1x1x16x16xf32>, tensor<1x1x1x16xf32>) -> tensor<1x1x16x16xf32>
    %c = aac.context %p, %a {format = #f} : (tensor<1x1x16x16xf32>, tensor<1x16x256xf32>) -> tensor<1x16x256xf32>
    %y = aac.linear %c, %large {format = #f} : (tensor<1x16x256xf32>, tensor<16x256xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}
