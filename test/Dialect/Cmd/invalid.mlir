// RUN: aac-opt %s --split-input-file --verify-diagnostics

cmd.stream "m" text "" {
  cmd.task "a" run @r inputs [] outputs []
  // expected-error @+1 {{'a' is there twice}}
  cmd.task "a" run @r inputs [] outputs []
  cmd.program @r role(run) owners ["a"] {
  }
}

// -----

cmd.stream "m" text "" {
  // expected-error @+1 {{there is no program @q}}
  cmd.task "a" run @q inputs [] outputs []
}

// -----

cmd.stream "m" text "" {
  // expected-error @+1 {{program @r has role switch, expected run}}
  cmd.task "a" run @r inputs [] outputs []
  // expected-note @+1 {{program declared here}}
  cmd.program @r role(switch) owners ["a"] {
  }
}

// -----

cmd.stream "m" text "" {
  cmd.task "a" run @r inputs [] outputs []
  // expected-error @+1 {{program @r is not owned by 'b'}}
  cmd.task "b" run @r inputs [] outputs []
  // expected-note @+1 {{program declared here}}
  cmd.program @r role(run) owners ["a"] {
  }
}

// -----

cmd.stream "m" text "" {
  // expected-error @+1 {{is owned by 'a', which is not a task of the stream}}
  cmd.program @r role(run) owners ["a"] {
  }
}

// -----

cmd.stream "m" text "" {
  // expected-error @+1 {{has no owners; name the tasks that need it}}
  cmd.image "dram" at 0 owners [] = dense<0> : tensor<1xi8>
}

// -----

cmd.stream "m" text "" {
  cmd.task "a" run @r inputs [] outputs []
  cmd.program @r role(run) owners ["a"] {
  }
  // expected-error @+1 {{is owned by 'a' twice}}
  cmd.symbol "w" role "" placement "" owners ["a", "a"] in "" at 0 bytes 0 shape [] format "" hash 0
}

// -----

cmd.stream "m" text "" {
  cmd.task "a" run @r inputs [] outputs []
  cmd.program @r role(run) owners ["a"] {
  }
  cmd.program @s role(switch) owners ["a"] {
  }
  // expected-error @+1 {{'b' is not a task of the stream}}
  cmd.switch from "b" to "a" program @s
}

// -----

cmd.stream "m" text "" {
  cmd.task "a" run @r inputs [] outputs []
  cmd.program @r role(run) owners ["a"] {
  }
  cmd.program @s role(switch) owners ["a"] {
  }
  // expected-error @+1 {{from 'a' to itself}}
  cmd.switch from "a" to "a" program @s
}

// -----

cmd.stream "m" text "" {
  cmd.task "a" run @r inputs [] outputs []
  cmd.program @r role(run) owners ["a"] {
  }
  cmd.program @s role(switch) owners ["a"] {
  }
  cmd.switch to "a" program @s
  // expected-error @+1 {{is there twice}}
  cmd.switch to "a" program @s
}

// -----

cmd.stream "m" text "" {
  // expected-error @+1 {{does not belong in a cmd.stream}}
  builtin.module {}
}

// -----

cmd.stream "m" text "" {
  // expected-error @+1 {{bytes must be a tensor of one dimension of i8 that is not empty, got 'tensor<2x2xi8>'}}
  cmd.image "dram" at 0 owners ["a"] = dense<0> : tensor<2x2xi8>
}

// -----

cmd.stream "m" text "" {
  // expected-error @+1 {{resource 'w' has no data}}
  cmd.image "dram" at 0 owners ["a"] = dense_resource<w> : tensor<2xi8>
}

// -----

cmd.stream "m" text "" {
  // expected-error @+1 {{address 4294967295 and 2 bytes pass the 32-bit address space}}
  cmd.image "dram" at 4294967295 owners ["a"] = dense<0> : tensor<2xi8>
}

// -----

cmd.stream "m" text "" {
  cmd.program @r role(run) owners ["a"] {
    // expected-error @+1 {{attribute 'units' failed to satisfy constraint: a number from 0 to 7}}
    cmd.wait units = 8
  }
}

// -----

cmd.stream "m" text "" {
  cmd.program @r role(run) owners ["a"] {
    // expected-error @+1 {{attribute 'weight_bias' failed to satisfy constraint: a number from -128 to 127}}
    cmd.matmul n0 = 64, n1 = 16, m = 32, relu = 1, bias_enable = 0, weight_bias = -129, shift = 3, out_bias = 7, base0 = 0, base1 = 1, data_offset0 = 0, data_offset1 = 1, out_memory = 1, out_base = 64
  }
}

// -----

cmd.stream "m" text "" {
  cmd.program @r role(run) owners ["a"] {
    // expected-error @+1 {{is not an instruction; a cmd.program holds nothing else}}
    builtin.module {}
  }
}

// -----

cmd.stream "m" text "" {
  cmd.program @r role(run) owners ["a"] {
    // expected-note @+1 {{the loop around it}}
    cmd.loop count = 2
    // expected-error @+1 {{inside a loop; loops do not nest}}
    cmd.loop count = 2
    cmd.end
    cmd.end
  }
}

// -----

cmd.stream "m" text "" {
  cmd.program @r role(run) owners ["a"] {
    // expected-error @+1 {{without a cmd.loop before it}}
    cmd.end
  }
}

// -----

cmd.stream "m" text "" {
  cmd.program @r role(run) owners ["a"] {
    // expected-error @+1 {{without a cmd.end after it}}
    cmd.loop count = 2
  }
}

// -----

// expected-error @+1 {{tensor 'x' has elements of 'f16'; expected i32, i64, f32 or i1}}
#t = #cmd.tensor<"x", tensor<2xf16>>

// -----

// expected-error @+1 {{tensor 'x' has the dynamic shape 'tensor<?xf32>'; bind its sizes}}
#t = #cmd.tensor<"x", tensor<?xf32>>

// -----

// expected-error @+1 {{expects parent op 'cmd.program'}}
cmd.wait units = 1

// -----

cmd.stream "m" text "" {
  // expected-error @+1 {{role is 'walk', expected power_on, switch or run}}
  cmd.program @r role(walk) owners ["a"] {
  }
}

// -----

cmd.stream "m" text "" {
  // expected-error @+1 {{resource 'short' has 1 bytes, its type 'tensor<2xi8>' has 2}}
  cmd.image "dram" at 0 owners ["a"] = dense_resource<short> : tensor<2xi8>
}
{-#
  dialect_resources: {
    builtin: {
      short: "0x0100000001"
    }
  }
#-}

// -----

// expected-error @+1 {{has 65 tasks; the most is 64}}
cmd.stream "m" text "" {
  cmd.task "t0" run @r inputs [] outputs []
  cmd.task "t1" run @r inputs [] outputs []
  cmd.task "t2" run @r inputs [] outputs []
  cmd.task "t3" run @r inputs [] outputs []
  cmd.task "t4" run @r inputs [] outputs []
  cmd.task "t5" run @r inputs [] outputs []
  cmd.task "t6" run @r inputs [] outputs []
  cmd.task "t7" run @r inputs [] outputs []
  cmd.task "t8" run @r inputs [] outputs []
  cmd.task "t9" run @r inputs [] outputs []
  cmd.task "t10" run @r inputs [] outputs []
  cmd.task "t11" run @r inputs [] outputs []
  cmd.task "t12" run @r inputs [] outputs []
  cmd.task "t13" run @r inputs [] outputs []
  cmd.task "t14" run @r inputs [] outputs []
  cmd.task "t15" run @r inputs [] outputs []
  cmd.task "t16" run @r inputs [] outputs []
  cmd.task "t17" run @r inputs [] outputs []
  cmd.task "t18" run @r inputs [] outputs []
  cmd.task "t19" run @r inputs [] outputs []
  cmd.task "t20" run @r inputs [] outputs []
  cmd.task "t21" run @r inputs [] outputs []
  cmd.task "t22" run @r inputs [] outputs []
  cmd.task "t23" run @r inputs [] outputs []
  cmd.task "t24" run @r inputs [] outputs []
  cmd.task "t25" run @r inputs [] outputs []
  cmd.task "t26" run @r inputs [] outputs []
  cmd.task "t27" run @r inputs [] outputs []
  cmd.task "t28" run @r inputs [] outputs []
  cmd.task "t29" run @r inputs [] outputs []
  cmd.task "t30" run @r inputs [] outputs []
  cmd.task "t31" run @r inputs [] outputs []
  cmd.task "t32" run @r inputs [] outputs []
  cmd.task "t33" run @r inputs [] outputs []
  cmd.task "t34" run @r inputs [] outputs []
  cmd.task "t35" run @r inputs [] outputs []
  cmd.task "t36" run @r inputs [] outputs []
  cmd.task "t37" run @r inputs [] outputs []
  cmd.task "t38" run @r inputs [] outputs []
  cmd.task "t39" run @r inputs [] outputs []
  cmd.task "t40" run @r inputs [] outputs []
  cmd.task "t41" run @r inputs [] outputs []
  cmd.task "t42" run @r inputs [] outputs []
  cmd.task "t43" run @r inputs [] outputs []
  cmd.task "t44" run @r inputs [] outputs []
  cmd.task "t45" run @r inputs [] outputs []
  cmd.task "t46" run @r inputs [] outputs []
  cmd.task "t47" run @r inputs [] outputs []
  cmd.task "t48" run @r inputs [] outputs []
  cmd.task "t49" run @r inputs [] outputs []
  cmd.task "t50" run @r inputs [] outputs []
  cmd.task "t51" run @r inputs [] outputs []
  cmd.task "t52" run @r inputs [] outputs []
  cmd.task "t53" run @r inputs [] outputs []
  cmd.task "t54" run @r inputs [] outputs []
  cmd.task "t55" run @r inputs [] outputs []
  cmd.task "t56" run @r inputs [] outputs []
  cmd.task "t57" run @r inputs [] outputs []
  cmd.task "t58" run @r inputs [] outputs []
  cmd.task "t59" run @r inputs [] outputs []
  cmd.task "t60" run @r inputs [] outputs []
  cmd.task "t61" run @r inputs [] outputs []
  cmd.task "t62" run @r inputs [] outputs []
  cmd.task "t63" run @r inputs [] outputs []
  cmd.task "t64" run @r inputs [] outputs []
  cmd.program @r role(run) owners ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11", "t12", "t13", "t14", "t15", "t16", "t17", "t18", "t19", "t20", "t21", "t22", "t23", "t24", "t25", "t26", "t27", "t28", "t29", "t30", "t31", "t32", "t33", "t34", "t35", "t36", "t37", "t38", "t39", "t40", "t41", "t42", "t43", "t44", "t45", "t46", "t47", "t48", "t49", "t50", "t51", "t52", "t53", "t54", "t55", "t56", "t57", "t58", "t59", "t60", "t61", "t62", "t63", "t64"] {
  }
}
