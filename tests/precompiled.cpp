// Compiled only so that there is a target for the headers that tests share.
