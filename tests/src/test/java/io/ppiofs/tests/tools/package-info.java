/**
 * Ordinary programs on a real mount: what they do must work, verify, and be the same, byte for byte, after a remount.
 * Each test is one program; {@link io.ppiofs.tests.harness.OnMount} gives them the mount they share.
 */
@NullMarked
package io.ppiofs.tests.tools;

import org.jspecify.annotations.NullMarked;
