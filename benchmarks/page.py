def write(folder, content): raise NotImplementedError
