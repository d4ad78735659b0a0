// RUN: aac-opt %s --split-input-file --aac-roll=min-ops=2 | FileCheck %s

// Shared weight, own bias a layer, a value from outside, and another order of the
// operations in the second layer. What follows the layers reads the loop.
// CHECK-LABEL: aac.task @shared
// CHECK: %[[MASK:.*]] = aac.linear %arg0
// CHECK: %[[LOOP:.*]] = aac.loop 3 (%[[H:.*]] = %arg0) : (tensor<1x2xf32>) {
// CHECK-DAG: %[[W:.*]] = aac.use @w : tensor<2x2xf32>
// CHECK-DAG: %[[B:.*]] = aac.use_each [@b0, @b1, @b2] : tensor<2xf32>
// CHECK: %[[L:.*]] = aac.linear %[[H]], %[[W]], %[[B]]
// CHECK: %[[R:.*]] = aac.activation {{ ?}}relu %[[L]]
// CHECK: %[[S:.*]] = aac.add %[[R]], %[[MASK]]
// CHECK: %[[T:.*]] = aac.add %[[S]], %[[H]]
// CHECK: aac.yield %[[T]]
// CHECK: aac.activation tanh %[[LOOP]]
aac.suite {
  aac.param @w : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32> {role = #aac.role<ffn>}
  aac.param @b0 : tensor<2xf32> = dense<0.0> : tensor<2xf32> {role = #aac.role<adapter>}
  aac.param @b1 : tensor<2xf32> = dense<1.0> : tensor<2xf32> {role = #aac.role<adapter>}
  aac.param @b2 : tensor<2xf32> = dense<2.0> : tensor<2xf32> {role = #aac.role<adapter>}
  aac.task @shared(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<2x2xf32>
    %m = aac.linear %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %b0 = aac.use @b0 : tensor<2xf32>
    %l0 = aac.linear %x, %w, %b0 : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    %r0 = aac.activation relu %l0 : tensor<1x2xf32>
    %s0 = aac.add %r0, %m : tensor<1x2xf32>
    %t0 = aac.add %s0, %x : tensor<1x2xf32>
    %b1 = aac.use @b1 : tensor<2xf32>
    %l1 = aac.linear %t0, %w, %b1 : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    %r1 = aac.activation relu %l1 : tensor<1x2xf32>
    %s1 = aac.add %r1, %m : tensor<1x2xf32>
    %t1 = aac.add %s1, %t0 : tensor<1x2xf32>
    %w2 = aac.use @w : tensor<2x2xf32>
    %b2 = aac.use @b2 : tensor<2xf32>
    %l2 = aac.linear %t1, %w2, %b2 : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    %r2 = aac.activation relu %l2 : tensor<1x2xf32>
    %s2 = aac.add %r2, %m : tensor<1x2xf32>
    %t2 = aac.add %s2, %t1 : tensor<1x2xf32>
    %y = aac.activation tanh %t2 : tensor<1x2xf32>
    aac.return %y : tensor<1x2xf32>
  }

  // A layer norm before the first layer looks like the one that ends each layer, but has
  // its own gamma: the cut that keeps parameters shared wins.
  // CHECK-LABEL: aac.task @cut
  // CHECK: %[[E:.*]] = aac.layer_norm
  // CHECK: aac.loop 2 (%{{.*}} = %[[E]])
  // CHECK-NOT: use_each
  // CHECK: aac.yield
  aac.task @cut(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %g0 = aac.use @b0 : tensor<2xf32>
    %g1 = aac.use @b1 : tensor<2xf32>
    %w = aac.use @w : tensor<2x2xf32>
    %e = aac.layer_norm %x, %g0, %g0 epsilon 0.0 : (tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    %l0 = aac.linear %e, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %n0 = aac.layer_norm %l0, %g1, %g1 epsilon 0.0 : (tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    %l1 = aac.linear %n0, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %n1 = aac.layer_norm %l1, %g1, %g1 epsilon 0.0 : (tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    aac.return %n1 : tensor<1x2xf32>
  }

  // One layer, or layers whose inner values are needed later: nothing.
  // CHECK-LABEL: aac.task @nothing
  // CHECK-NOT: aac.loop
  aac.task @nothing(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y", "z"] {
    %w = aac.use @w : tensor<2x2xf32>
    %l0 = aac.linear %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %r0 = aac.activation relu %l0 : tensor<1x2xf32>
    %l1 = aac.linear %r0, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %r1 = aac.activation relu %l1 : tensor<1x2xf32>
    aac.return %r1, %l0 : tensor<1x2xf32>, tensor<1x2xf32>
  }

  // Parameters of two roles are no layers.
  // CHECK-LABEL: aac.task @roles
  // CHECK-NOT: aac.loop
  aac.task @roles(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<2x2xf32>
    %v = aac.use @v : tensor<2x2xf32>
    %l0 = aac.linear %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %r0 = aac.activation relu %l0 : tensor<1x2xf32>
    %l1 = aac.linear %r0, %v : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %r1 = aac.activation relu %l1 : tensor<1x2xf32>
    aac.return %r1 : tensor<1x2xf32>
  }
  aac.param @v : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32> {role = #aac.role<classifier>}
}
