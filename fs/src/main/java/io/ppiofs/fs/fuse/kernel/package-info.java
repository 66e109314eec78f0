/**
 * The driver that speaks the FUSE kernel protocol on {@code /dev/fuse} itself (linux/fuse.h, versions 7.31 to 7.45): no
 * library in between, only downcalls (open, mount, read, write, ioctl) through jnr-ffi.
 *
 * <p>{@code DeviceMount} opens the device and mounts, as root by mount(2), else through fusermount3, which passes the
 * descriptor back over a socket. {@code Handshake} answers INIT. {@code KernelSession} owns one clone of the device per
 * {@code KernelWorker}; a worker reads a request into its own buffer, {@code Dispatcher} decodes it, calls the core and
 * answers exactly once from the worker's {@code Reply}. Numbers and offsets stand in {@code Wire}.
 *
 * <p>Costs: two system calls per request (read and write), data is copied once between the kernel and the worker's
 * buffer, from where the core takes it; nothing is allocated here for read, write and getattr. Start reading with {@code
 * Dispatcher}.
 */
@NullMarked
package io.ppiofs.fs.fuse.kernel;

import org.jspecify.annotations.NullMarked;
