/** FUSE drivers behind one interface: thin adapters over {@link io.ppiofs.fs.core.FileSystemCore}. */
@NullMarked
package io.ppiofs.fs.fuse;

import org.jspecify.annotations.NullMarked;
