"""What a data set is checked for, one topic a module; `zoo.checking` puts them together."""
