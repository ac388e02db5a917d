# SPDX-License-Identifier: Apache-2.0
@0xb3a1c84fd7ce2a11;

interface Calc {
  add @0 (a :Int32, b :Int32) -> (sum :Int32);
}
