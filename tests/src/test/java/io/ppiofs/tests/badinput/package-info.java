/**
 * What goes wrong outside: wrong words on the command line, wrong keys, damaged files, a full disk. Each has an exit
 * code and one sentence, and nothing that was safe is lost.
 */
@NullMarked
package io.ppiofs.tests.badinput;

import org.jspecify.annotations.NullMarked;
