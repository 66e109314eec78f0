package io.ppiofs.fs.core;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;

/**
 * What a security module of the kernel (SELinux, Smack) wants a new inode to have from its first moment: an extended
 * attribute {@code security.…}. Kept in the namespace map, so that it comes with the inode in one transaction.
 *
 * @param name begins with {@code security.}
 * @param value not copied, must not be changed; {@value #MAX_VALUE} bytes at most
 */
public record SecurityLabel(FileName name, byte[] value) {
    /** As an ACL: what fits into the map. */
    public static final int MAX_VALUE = VolumeFileSystem.MAX_ACL;

    /** @throws PpiofsException INVALID for another attribute, RANGE or TOO_BIG for one that is too long */
    public SecurityLabel {
        Records.checkXattr(name, "create");
        if (!name.toString().startsWith("security.")) {
            throw PpiofsException.expected(ErrorKind.INVALID, "create", name.toString());
        }
        if (value.length > MAX_VALUE) {
            throw PpiofsException.expected(ErrorKind.TOO_BIG, "create", name.toString());
        }
    }
}
