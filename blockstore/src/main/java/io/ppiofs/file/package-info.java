/**
 * Small files of a home (keys, certificates, heads, books) that are replaced as a whole and durably. Each replacement
 * costs two flushes, of the file and of its directory.
 */
@NullMarked
package io.ppiofs.file;

import org.jspecify.annotations.NullMarked;
