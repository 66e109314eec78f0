/** Volumes: owner key, writer certificates, key epochs, capabilities, heads, and how secrets rest in the home. */
@NullMarked
package io.ppiofs.fs.volume;

import org.jspecify.annotations.NullMarked;
