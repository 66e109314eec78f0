/**
 * The POSIX core: inodes, names, files, extents, dirty data, checkpoints. It knows no FUSE type; drivers are thin
 * adapters over {@link io.ppiofs.fs.core.FileSystemCore}, which has the shape of FUSE's low-level interface: inode
 * numbers with lookup counts, open files, readdir cookies.
 */
@NullMarked
package io.ppiofs.fs.core;

import org.jspecify.annotations.NullMarked;
