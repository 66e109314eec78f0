/**
 * FUSE drivers behind one interface: thin adapters over {@link io.ppiofs.fs.core.FileSystemCore}.
 *
 * <p>{@link io.ppiofs.fs.fuse.JnrFuseDriver} speaks libfuse 2.9's low-level session API: {@code MountPointCheck} and
 * {@code KernelOptions} refuse what cannot work with one sentence, {@code FuseSession} mounts and runs {@code FuseWorker}
 * threads, {@code KernelRequests} decodes each request, calls the core and answers exactly once. {@code Caching} says
 * what the kernel may remember and why that is right.
 *
 * <p>Costs: a request takes about 5 µs of this process's CPU, kernel included, and allocates no native memory; data is
 * copied once between the kernel and the thread's own buffer, from where the core takes it. Start reading with {@code
 * KernelRequests}.
 */
@NullMarked
package io.ppiofs.fs.fuse;

import org.jspecify.annotations.NullMarked;
