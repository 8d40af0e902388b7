import uuid, secrets
print(uuid.uuid5(uuid.NAMESPACE_DNS, "example.com"), uuid.UUID(int=5))
print(uuid.uuid4() != uuid.uuid4(), len(secrets.token_hex(8)))
