/** The life of a mount: how it begins, what it shows besides files, and all the ways in which it ends. */
@NullMarked
package io.ppiofs.tests.life;

import org.jspecify.annotations.NullMarked;
