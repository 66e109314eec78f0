/** The walls between the rooms, checked on the compiled classes. */
@NullMarked
package io.ppiofs.tests.architecture;

import org.jspecify.annotations.NullMarked;
